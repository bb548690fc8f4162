"""Tests of the trainer, against a small real HTTP server that stands for Espalier's."""
