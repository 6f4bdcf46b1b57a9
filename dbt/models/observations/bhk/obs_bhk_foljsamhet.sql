{{ observed_rules(['h_fore', 'h_efter', 'h_handskar', 'h_forklade', 'k_arm', 'k_smycken', 'k_naglar', 'k_har']) }}
