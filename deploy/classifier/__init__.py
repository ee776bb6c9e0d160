"""Training the classifier that suggests categories, and deciding which version of it is switched on."""
