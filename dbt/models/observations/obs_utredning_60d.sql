{{ timed_cases('utredning_60d', 'utredning_begard_datum', 'utredning_besvarad_datum', 60) }}
