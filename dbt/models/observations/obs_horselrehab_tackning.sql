{{ coverage_flow('horselrehab_tackning', 'horselrehab') }}
