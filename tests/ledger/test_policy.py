"""Trust policies: every rule of c2sp.org/tlog-policy, with every subset of witnesses."""

from collections.abc import Collection, Iterator
from itertools import chain, combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.cosignature import cosign, cosignatures
from ledger.errors import PolicyRejected
from ledger.note import COSIGNATURE_TYPE, ED25519_TYPE
from ledger.policy import (
    NONE,
    Group,
    Party,
    Policy,
    format_policy,
    k_of_n,
    parse_policy,
)
from ledger.verifier_key import VerifierKey
from tests.ledger.values import signer


def log_key(n: int = 0, name: str = "") -> VerifierKey:
    name = name or f"log{n}.example"
    return VerifierKey(name, signer(1000 + n).public_key, ED25519_TYPE)


def witness_key(n: int = 0, name: str = "") -> VerifierKey:
    name = name or f"witness{n}.example"
    return VerifierKey(name, signer(n).public_key, COSIGNATURE_TYPE)


def met(policy: Policy, names: Collection[str]) -> bool:
    """Whether the witnesses of these key names are enough."""
    keys = [key for key in policy.witness_keys if key.name in names]
    return policy.is_met({key.identity for key in keys})


def lines(*given: str) -> str:
    return "".join(f"{line}\n" for line in given)


def witnesses(count: int) -> str:
    """Witnesses W0, W1 …; their keys' names are others."""
    return lines(*(f"witness W{n} {witness_key(n)}" for n in range(count)))


def subsets(items: tuple[str, ...]) -> Iterator[frozenset[str]]:
    sizes = range(len(items) + 1)
    chosen = chain.from_iterable(combinations(items, size) for size in sizes)
    return (frozenset(each) for each in chosen)


def meets(policy: Policy, name: str, cosigners: frozenset[str]) -> bool:
    """The specification's sentence: some k of the members have all witnessed."""
    if name == "none":
        return True
    for witness in policy.witnesses:
        if witness.name == name:
            return witness.key.name in cosigners
    group = policy.groups[name]
    return any(
        all(meets(policy, member, cosigners) for member in members)
        for members in combinations(group.members, group.needed)
    )


def cosigner_sets(policy: Policy) -> Iterator[frozenset[str]]:
    return subsets(tuple(witness.key.name for witness in policy.witnesses))


@st.composite
def policies(draw) -> Policy:
    """Any forest of groups over a few witnesses, with any of its names as quorum."""
    urls = st.sampled_from(["", "https://witness.example/", "http://[::1]:8080/a?b#c"])
    logs = tuple(
        Party(f"log{n}.example", log_key(n), draw(urls))
        for n in range(draw(st.integers(0, 3)))
    )
    known = tuple(
        Party(f"W{n}", witness_key(n), draw(urls))
        for n in range(draw(st.integers(0, 6)))
    )
    groups: dict[str, Group] = {}
    free = [witness.name for witness in known]
    for name in ("G0", "G1", "G2", "G3")[: draw(st.integers(0, 4)) if free else 0]:
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        free = [other for other in free if other not in members] + [name]
        groups[name] = Group(draw(st.integers(1, len(members))), tuple(members))
    names = [NONE, *(witness.name for witness in known), *groups]
    return Policy(logs, known, groups, draw(st.sampled_from(names)))


def refused(text: str, *, line: int, match: str) -> None:
    with pytest.raises(PolicyRejected, match=rf"Line {line} of the policy: .*{match}"):
        parse_policy(text)


def spec_example() -> str:
    """The example of the specification, with keys in their places."""
    keys = [witness_key(n) for n in range(6)]
    return f"""\
log {log_key()}

witness X1 {keys[0]}
witness X2 {keys[1]}
witness X3 {keys[2]}
group X-witnesses 2 X1 X2 X3

witness Y1 {keys[3]}
witness Y2 {keys[4]}
witness Y3 {keys[5]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_the_specification_s_example_is_read():
    policy = parse_policy(spec_example())
    assert policy.logs == (Party("log0.example", log_key()),)
    assert [witness.name for witness in policy.witnesses] == [
        "X1", "X2", "X3", "Y1", "Y2", "Y3",
    ]  # fmt: skip
    assert policy.witness_keys == [witness_key(n) for n in range(6)]
    assert policy.groups == {
        "X-witnesses": Group(2, ("X1", "X2", "X3")),
        "Y-witnesses": Group(1, ("Y1", "Y2", "Y3")),
        "X-and-Y": Group(2, ("X-witnesses", "Y-witnesses")),
    }
    assert policy.quorum == "X-and-Y"
    assert policy.needed == 3


def test_the_specification_s_example_wants_two_of_x_and_one_of_y():
    policy = parse_policy(spec_example())
    xs = {f"witness{n}.example" for n in (0, 1, 2)}
    ys = {f"witness{n}.example" for n in (3, 4, 5)}
    tried = list(subsets(tuple(sorted(xs | ys))))
    assert len(tried) == 64
    for cosigners in tried:
        enough = len(cosigners & xs) >= 2 and len(cosigners & ys) >= 1
        assert met(policy, cosigners) == enough


@given(policies())
def test_every_subset_of_witnesses_is_judged_as_the_specification_says(policy: Policy):
    for cosigners in cosigner_sets(policy):
        assert met(policy, cosigners) == meets(policy, policy.quorum, cosigners)


@given(policies())
def test_needed_is_the_size_of_the_smallest_set_that_meets_the_quorum(policy: Policy):
    meeting = [len(s) for s in cosigner_sets(policy) if met(policy, s)]
    assert policy.needed == min(meeting)


@pytest.mark.parametrize(("k", "needed"), [(1, 1), (2, 3), (3, 6)])
def test_the_quorum_s_cheapest_members_count_wherever_they_stand(k: int, needed: int):
    for members in permutations(("three", "two", "W5")):
        text = witnesses(6) + lines(
            "group three all W0 W1 W2",
            "group two all W3 W4",
            f"group G {k} {' '.join(members)}",
            "quorum G",
        )
        assert parse_policy(text).needed == needed


@given(policies(), st.data())
def test_one_more_cosigner_never_spoils_a_quorum(policy: Policy, data):
    names = [witness.key.name for witness in policy.witnesses]
    some = data.draw(st.sets(st.sampled_from(names)) if names else st.just(set()))
    for name in (*names, "stranger.example"):
        assert met(policy, some | {name}) >= met(policy, some)


@given(policies())
def test_strangers_count_for_nothing(policy: Policy):
    strangers = {
        "stranger.example",
        *policy.groups,
        *(w.name for w in policy.witnesses),
    }
    with_keys = {
        (name, key.key_id) for name in strangers for key in policy.witness_keys
    }
    assert policy.is_met(with_keys) == (policy.quorum == NONE)


@given(policies())
def test_a_policy_is_read_as_it_is_written(policy: Policy):
    assert parse_policy(format_policy(policy)) == policy


@given(policies())
def test_the_words_any_and_all_are_numbers(policy: Policy):
    worded = {name: Group(1, group.members) for name, group in policy.groups.items()}
    for word, needed in (("any", 1), ("all", None)):
        text = format_policy(Policy(policy.logs, policy.witnesses, worded))
        for name in worded:
            text = text.replace(f"group {name} 1 ", f"group {name} {word} ")
        for group in parse_policy(text).groups.values():
            assert group.needed == (needed or len(group.members))


@pytest.mark.parametrize("count", range(1, 6))
def test_any_k_of_n(count: int):
    known = tuple(Party(f"W{n}", witness_key(n)) for n in range(count))
    for k in range(count + 1):
        policy = k_of_n((), known, k)
        assert policy.needed == k
        assert parse_policy(format_policy(policy)) == policy
        for cosigners in cosigner_sets(policy):
            assert met(policy, cosigners) == (len(cosigners) >= k)


def test_a_quorum_may_be_a_single_witness():
    policy = parse_policy(witnesses(2) + "quorum W1\n")
    assert policy.needed == 1
    assert met(policy, {"witness1.example"})
    assert not met(policy, {"witness0.example"})


def test_a_quorum_of_none_asks_for_nobody():
    for text in ("quorum none\n", witnesses(2) + "quorum none\n"):
        policy = parse_policy(text)
        assert policy.needed == 0
        assert met(policy, set())


def test_a_witness_outside_every_group_does_not_count():
    policy = parse_policy(witnesses(3) + "group two all W0 W1\nquorum two\n")
    assert not met(policy, {"witness0.example", "witness2.example"})
    assert met(policy, {"witness0.example", "witness1.example"})


def test_one_witness_s_many_cosignatures_are_one():
    text = "log0.example\n5\n" + "A" * 43 + "=\n"
    policy = parse_policy(witnesses(2) + "group both all W0 W1\nquorum both\n")
    said = [
        cosign(text, name="witness0.example", signer=signer(0), time=time)
        for time in (1, 2)
    ]
    said.append(cosign(text, name="witness1.example", signer=signer(7), time=3))
    found = cosignatures(f"{text}\n{''.join(said)}", policy.witness_keys)
    assert [one.name for one in found] == ["witness0.example"] * 2
    assert not policy.is_met({one.identity for one in found})


def test_two_keys_of_one_name_are_two_witnesses():
    """A witness that changes its key keeps its name; (name, id) is the key."""
    old, new = witness_key(0, "w.example"), witness_key(1, "w.example")
    text = lines(f"witness old {old}", f"witness new {new}", "group both all old new")
    policy = parse_policy(text + "quorum both\n")
    assert not policy.is_met({old.identity})
    assert policy.is_met({old.identity, new.identity})


def test_urls_are_kept_as_they_stand():
    policy = parse_policy(
        lines(
            f"log {log_key()} https://log.example/2026",
            f"witness W {witness_key()} https://w.example/#not-a-comment",
            "quorum W",
        )
    )
    assert policy.logs[0].url == "https://log.example/2026"
    assert policy.witnesses[0].url == "https://w.example/#not-a-comment"


def test_a_log_is_known_by_its_origin():
    text = lines(f"log {log_key(0)}", f"log {log_key(1)}", "quorum none")
    policy = parse_policy(text)
    found = policy.log("log1.example")
    assert found == Party("log1.example", log_key(1))
    assert policy.log("log2.example") is None
    assert policy.log("LOG1.example") is None


def test_blanks_are_spaces_and_tabs_in_any_number():
    text = (
        f"\t log\t{log_key()}  \n"
        f"  witness \t W0\t\t{witness_key(0)}\thttps://w.example/ \t\n"
        f"witness\tW1 {witness_key(1)}\n"
        " group\tG  any\tW0 W1 \n"
        "\tquorum\tG\t\n"
    )
    expected = parse_policy(
        lines(
            f"log {log_key()}",
            f"witness W0 {witness_key(0)} https://w.example/",
            f"witness W1 {witness_key(1)}",
            "group G any W0 W1",
            "quorum G",
        )
    )
    assert parse_policy(text) == expected


def test_comments_and_empty_lines_are_passed_over():
    text = (
        "# quorum W7\n"
        "\n"
        " \t \n"
        "\t # тайна, ключ, \u2028 \u0085 K\n"
        "#\n"
        "#quorum none\n"
        "quorum none\n"
        "# the end"
    )
    assert parse_policy(text) == Policy()


def test_a_hash_within_a_line_is_no_comment():
    refused("quorum none # nobody\n", line=1, match="number of words")
    policy = parse_policy(f"witness #1 {witness_key()}\nquorum #1\n")
    assert policy.quorum == "#1"


def test_the_last_line_needs_no_newline():
    assert parse_policy("quorum none") == Policy()


def test_logs_and_witnesses_stand_in_any_order():
    first = parse_policy(
        lines(f"witness W {witness_key()}", "quorum W", f"log {log_key()}")
    )
    assert first == parse_policy(
        lines(f"log {log_key()}", f"witness W {witness_key()}", "quorum W")
    )
    later = parse_policy(
        lines("quorum none", f"witness W {witness_key()}", "group G any W")
    )
    assert later.groups == {"G": Group(1, ("W",))}


@pytest.mark.parametrize("text", ["", "\n", "# quorum none\n", witnesses(2)])
def test_a_policy_without_a_quorum_is_refused(text: str):
    with pytest.raises(PolicyRejected, match="no quorum line"):
        parse_policy(text)


@pytest.mark.parametrize("first", ["none", "W0"])
@pytest.mark.parametrize("second", ["none", "W0", "W1"])
def test_a_second_quorum_is_refused(first: str, second: str):
    text = witnesses(2) + f"quorum {first}\nquorum {second}\n"
    refused(text, line=4, match="one quorum line already")


def test_a_name_must_be_defined_above():
    refused(witnesses(1) + "quorum W1\n", line=2, match="W1 is not defined above")
    refused("quorum W0\n" + witnesses(1), line=1, match="W0 is not defined above")
    late_witness = witnesses(1) + "group G all W0 W1\n" + witnesses(2)
    refused(late_witness, line=2, match="W1 is not defined above")
    late_group = witnesses(2) + "group G any H\ngroup H any W0\nquorum G\n"
    refused(late_group, line=3, match="H is not defined above")
    late_quorum = witnesses(1) + "quorum G\ngroup G any W0\n"
    refused(late_quorum, line=2, match="G is not defined above")


def test_a_group_is_never_its_own_member():
    text = witnesses(1) + "group G any W0 G\nquorum G\n"
    refused(text, line=2, match="G is not defined above")


def test_a_key_s_name_names_no_witness():
    text = witnesses(1) + "quorum witness0.example\n"
    refused(text, line=2, match="is not defined above")


def test_a_log_is_no_member():
    text = lines(f"log {log_key()}", "group G any log0.example", "quorum none")
    refused(text, line=2, match="is not defined above")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f"witness W0 {witness_key(5)}", "W0"),
        (f"witness G {witness_key(5)}", "G"),
        ("group W1 any W2", "W1"),
        ("group W2 any W2", "W2"),
        ("group G any W2", "G"),
        (f"witness none {witness_key(5)}", "none"),
        ("group none any W2", "none"),
    ],
)
def test_witnesses_and_groups_share_their_names(line: str, name: str):
    text = witnesses(3) + "group G any W0\n" + line + "\nquorum none\n"
    refused(text, line=5, match=f"The name {name} is taken")


def test_none_is_no_member():
    text = witnesses(1) + "group G any W0 none\nquorum G\n"
    refused(text, line=2, match="none is not defined above")


def test_the_words_of_a_policy_may_be_names():
    keys = [witness_key(n) for n in range(3)]
    policy = parse_policy(
        lines(
            f"witness any {keys[0]}",
            f"witness all {keys[1]}",
            f"witness 2 {keys[2]}",
            "group quorum 2 any all 2",
            "quorum quorum",
        )
    )
    assert policy.groups == {"quorum": Group(2, ("any", "all", "2"))}


@pytest.mark.parametrize(
    "groups",
    [
        ["group G any W0 W0"],
        ["group G 2 W0 W1 W0"],
        ["group G any W0 W1", "group H any W1 W2"],
        ["group G any W0", "group H any G", "group I any G W1"],
        ["group G any W0", "group H any G W0"],
    ],
)
def test_nobody_counts_twice(groups: list[str]):
    text = witnesses(3) + lines(*groups, "quorum G")
    refused(text, line=3 + len(groups), match="is a member already")


def test_a_quorum_may_be_a_group_that_another_holds():
    text = witnesses(2) + "group G any W0\ngroup H all G W1\nquorum G\n"
    assert met(parse_policy(text), {"witness0.example"})


def test_a_group_wants_one_to_all_of_its_members():
    for k in (1, 2, 3):
        text = witnesses(3) + f"group G {k} W0 W1 W2\nquorum G\n"
        assert parse_policy(text).groups["G"].needed == k
    for threshold in ("0", "4", "00", "18446744073709551617", "9" * 4000):
        text = witnesses(3) + f"group G {threshold} W0 W1 W2\nquorum G\n"
        refused(text, line=4, match="of 3 members cannot be")


@pytest.mark.parametrize(
    "k", ["-1", "+1", "1.0", "1_0", "0x1", "one", "ANY", "All", "none", "٢", "²", "W0"]
)
def test_a_threshold_is_a_decimal_number_or_a_word(k: str):
    text = witnesses(3) + f"group G {k} W0 W1 W2\nquorum G\n"
    refused(text, line=4, match="is no number of members")


def test_an_endless_threshold_is_refused_like_any_other():
    text = witnesses(1) + f"group G {'9' * 5000} W0\nquorum G\n"
    refused(text, line=2, match="members")


def test_a_log_stands_once_under_whatever_name():
    for name in ("log0.example", "other.example"):
        text = lines(f"log {log_key(0)}", f"log {log_key(0, name)} https://a.example/")
        refused(text, line=2, match="stands twice")


def test_a_witness_stands_once_under_whatever_name():
    for name in ("witness0.example", "other.example"):
        text = witnesses(2) + f"witness W2 {witness_key(0, name)}\n"
        refused(text, line=3, match="stands twice")


def test_a_log_s_key_is_no_witness_s_nor_the_reverse():
    refused(f"log {witness_key()}\n", line=1, match="type 4, a log's")
    refused(f"witness W {log_key()}\n", line=1, match="type 1, a witness's")


def test_a_key_that_is_none_is_refused_with_its_line():
    refused("quorum none\nlog example.com\n", line=2, match="does not read")
    key = str(witness_key())
    refused(f"\nwitness W {key[:-1]}\n", line=2, match="base64")
    refused(f"witness W {key.replace('+', ' ', 1)}\n", line=1, match="does not read")


@pytest.mark.parametrize(
    "line",
    [
        "log",
        f"log {log_key()} https://log.example/ more",
        "witness",
        "witness W0",
        f"witness W0 {witness_key()} https://w.example/ more",
        "group",
        "group G",
        "group G any",
        "group G 0",
        "quorum",
        "quorum none none",
    ],
)
def test_each_line_has_its_number_of_words(line: str):
    refused(f"\n{line}\n", line=2, match="number of words")


@pytest.mark.parametrize(
    "keyword", ["Log", "QUORUM", "quórum", "quorum:", "threshold", "\ufeffquorum", "-"]
)
def test_unknown_words_are_refused(keyword: str):
    refused(f"{keyword} none W0 W1\n", line=1, match="is no word of a policy")
    with pytest.raises(PolicyRejected):
        parse_policy(f"{keyword} none\n")


@pytest.mark.parametrize("control", [chr(n) for n in range(32) if n not in (9, 10)])
def test_control_characters_are_refused_wherever_they_stand(control: str):
    for line in (
        f"# {control}",
        control,
        f"quorum{control}none",
        f"quorum none{control}",
    ):
        refused(f"\n{line}\n", line=2, match="control character")


def test_delete_is_a_control_character():
    refused("# \x7f\nquorum none\n", line=1, match="control character")


@pytest.mark.parametrize("blank", ["\u00a0", "\u2003", "\u3000", "\u0085", "\u2028"])
def test_blanks_beyond_ascii_are_letters_like_any_other(blank: str):
    with pytest.raises(PolicyRejected):
        parse_policy(f"quorum{blank}none\n")
    policy = parse_policy(f"witness a{blank}b {witness_key()}\nquorum a{blank}b\n")
    assert policy.quorum == f"a{blank}b"


def test_names_are_compared_octet_by_octet():
    alike = ["K", "\u212a", "k", "é", "e\u0301", "Ⅳ", "IV", "ß", "ss"]
    keys = enumerate(alike)
    text = lines(*(f"witness {name} {witness_key(n)}" for n, name in keys))
    for n, name in enumerate(alike):
        policy = parse_policy(text + f"quorum {name}\n")
        assert met(policy, {f"witness{n}.example"})
        assert not met(
            policy, {f"witness{m}.example" for m in range(9)} - {f"witness{n}.example"}
        )


@given(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\t\n \x7f"),
        min_size=1,
    ).filter(lambda name: name != "none" and min(name) > " ")
)
def test_any_name_without_blanks_names_a_witness(name: str):
    text = lines(f"witness {name} {witness_key()}", f"group G{name} any {name}")
    policy = parse_policy(text + f"quorum G{name}\n")
    assert policy.witnesses[0].name == name
    assert parse_policy(format_policy(policy)) == policy


def test_a_url_is_opaque_to_its_last_letter():
    policy = parse_policy(f"log {log_key()} https://a.example/\u2003\nquorum none\n")
    assert parse_policy(format_policy(policy)) == policy


def test_a_key_name_that_is_not_utf_8_is_refused_with_its_line():
    refused(f"log \ud800{log_key()}\nquorum none\n", line=1, match="")


def test_32_logs_witnesses_and_groups_are_taken_at_least():
    many = range(40)
    text = witnesses(40) + lines(
        *(f"log {log_key(n)}" for n in many),
        "group G0 any W0",
        *(f"group G{n} all W{n} G{n - 1}" for n in range(1, 40)),
        "quorum G39",
    )
    policy = parse_policy(text)
    assert (len(policy.logs), len(policy.witnesses), len(policy.groups)) == (40,) * 3
    everyone = {f"witness{n}.example" for n in many}
    assert policy.needed == 40
    assert met(policy, everyone)
    assert not met(policy, everyone - {"witness0.example"})
    assert parse_policy(format_policy(policy)) == policy


def test_a_group_holds_32_members_at_least():
    text = witnesses(40) + f"group G 27 {' '.join(f'W{n}' for n in range(40))}\n"
    policy = parse_policy(text + "quorum G\n")
    assert met(policy, {f"witness{n}.example" for n in range(13, 40)})
    assert not met(policy, {f"witness{n}.example" for n in range(14, 40)})
