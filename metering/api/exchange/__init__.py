"""A request and its answer: its id, and what is noted of it for the log and the metrics."""
