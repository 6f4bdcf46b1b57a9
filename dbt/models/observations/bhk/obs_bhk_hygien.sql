{{ observed_rules(['h_fore', 'h_efter', 'h_handskar', 'h_forklade']) }}
