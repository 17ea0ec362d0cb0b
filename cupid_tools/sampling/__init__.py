"""What becomes of pairs before a model sees them: filtering, splitting, augmentation, negatives."""
