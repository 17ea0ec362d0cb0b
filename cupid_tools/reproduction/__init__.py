"""Published protocols repeated on pairs of one's own, with their figures beside those on strictly unseen RNAs."""
