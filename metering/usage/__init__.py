"""Usage: from streams and Summaries to figures, segments and windows; pure, for every store."""
