"""What there is: resources, meters, dimensions, and what resources were when."""
