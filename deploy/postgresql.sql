-- The two roles that releases are served with, and who may do what in the database, which is for nothing else. Run once
-- by its administrator, in the database itself (again does no harm; `make postgres-up` runs this very file):
--
--     createdb --encoding UTF8 resultat
--     psql --dbname resultat --set ON_ERROR_STOP=1 --file deploy/postgresql.sql
--
-- Then a login for Resultattavla, and one for each dashboard (passwords as the site sets them):
--
--     create role resultattavla login in role resultat_skrivare;
--     create role instrumentpanel login in role resultat_lasare;
--     alter role instrumentpanel set idle_in_transaction_session_timeout = '10min';
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
    execute format('revoke connect, temporary on database %I from public', current_database());
    execute format('grant connect, create on database %I to resultat_skrivare', current_database());
    execute format('grant connect on database %I to resultat_lasare', current_database());
    -- Large objects are anybody's to make otherwise; only a superuser can say this.
    if (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
        revoke execute on function
            pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea)
        from public;
    end if;
end
$$;
