-- The two roles that releases are served with. Run once by the database's administrator, in the database itself
-- (again does no harm; `make postgres-up` runs this very file):
--
--     createdb --encoding UTF8 resultat
--     psql --dbname resultat --set ON_ERROR_STOP=1 --file deploy/postgresql.sql
--
-- Then a login for Resultattavla, and one for each dashboard (passwords as the site sets them):
--
--     create role resultattavla login in role resultat_skrivare;
--     create role instrumentpanel login in role resultat_lasare;
--
-- resultat_skrivare owns all that is served: a schema per release, the views, the record of what is shown.
-- resultat_lasare may read the views of the schema resultat and nothing else.

do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'resultat_lasare') then
        create role resultat_lasare nologin;
    end if;
    if not exists (select from pg_catalog.pg_roles where rolname = 'resultat_skrivare') then
        create role resultat_skrivare nologin;
    end if;
    execute format('grant connect, create on database %I to resultat_skrivare', current_database());
    execute format('grant connect on database %I to resultat_lasare', current_database());
end
$$;
