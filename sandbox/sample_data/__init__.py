"""The sample company, one kind of record a module. Everything in it is made up."""
