"""Lung CT: whether the slices of a chest show COVID-19.

files > ct_slice > series say what is read; windows turn Hounsfield units into bytes;
pipeline asks the network; patient makes one answer of the slices; report keeps it.
manifest names the weights; pictures, adopting and card make them.
"""
