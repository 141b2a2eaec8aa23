in the way
