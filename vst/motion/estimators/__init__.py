"""The optical flow estimators, one file or package each."""
