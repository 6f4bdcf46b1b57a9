{{ coverage_flow('skrs_tackning', 'skrs') }}
