{{ performed_measures(
    'levnadsvanor',
    [
        'DV111', 'DV112', 'DV113', 'DV121', 'DV122', 'DV123', 'DV131', 'DV132', 'DV133',
        'DV141', 'DV142', 'DV143', 'DV200',
    ],
    excluded={'DV144': 'stralbehandling', 'DV145': 'stralbehandling'}
) }}
