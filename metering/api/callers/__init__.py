"""Who a request comes from, in each way that the configuration knows, and the rules."""
