"""Resultattavla: delivered extracts -> trusted numbers -> published indicators."""
