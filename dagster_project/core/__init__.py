"""What every room needs: paths, files, errors, masking, Swedish text. Knows no other room."""
