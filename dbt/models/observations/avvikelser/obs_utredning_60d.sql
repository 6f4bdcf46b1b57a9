{{ timed_cases('utredning_begard_datum', 'utredning_besvarad_datum', by='utredande_enhet') }}
