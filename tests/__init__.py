"""Tests of resultattavla."""
