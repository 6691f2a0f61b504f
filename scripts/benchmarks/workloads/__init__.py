"""What is measured, one workload a file."""
