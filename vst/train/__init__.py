"""Training: data, synthetic scenes, recipes and trainers. Imports without PyAV."""
