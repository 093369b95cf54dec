"""What is shown of each subject, a module each."""
