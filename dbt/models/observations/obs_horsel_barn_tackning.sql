{{ coverage_stock('horsel_barn_tackning', 'horsel_barn') }}
