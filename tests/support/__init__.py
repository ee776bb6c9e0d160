"""What tests share: embedded servers, throw-away databases, polling with a deadline, real service processes."""
