"""The capsule: a record of everything that a run depended on and of everything that its cells put out."""
