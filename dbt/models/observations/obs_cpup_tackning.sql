{{ coverage_stock('cpup_tackning', 'cpup') }}
