"""Random documents sent to a real server: all that the schema allows, and some that it does not."""
