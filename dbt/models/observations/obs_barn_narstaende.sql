{{ performed_measures('barn_narstaende', ['DU055', 'DU056', 'DU057', 'QT016']) }}
