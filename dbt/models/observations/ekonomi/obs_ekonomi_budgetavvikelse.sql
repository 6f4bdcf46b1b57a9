{{ summed_rows(exact('r.utfall_kr') ~ ' - ' ~ exact('r.budget_kr'), exclusion="case when r.budget_kr is null then 'utan_budget' end") }}
