"""Training one network of the catalogue on a data set."""
