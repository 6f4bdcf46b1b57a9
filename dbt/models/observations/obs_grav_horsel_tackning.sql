{{ coverage_stock('grav_horsel_tackning', 'grav_horsel_vuxna') }}
