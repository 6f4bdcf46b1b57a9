{{ performed_measures(
    'barn_narstaende_du',
    ['DU055', 'DU056', 'DU057'],
    excluded={'QT016': 'rad_till_narstaende_i_alla_aldrar'}
) }}
