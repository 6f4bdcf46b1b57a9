{{ observed_rules(['k_arm', 'k_smycken', 'k_naglar', 'k_har']) }}
