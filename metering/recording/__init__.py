"""Recording: what clients send is completed, checked, and handed to a store."""
