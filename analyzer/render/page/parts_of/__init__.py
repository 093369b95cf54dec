"""What is written into the page's file: a module a part, each with `part(contents)`."""
