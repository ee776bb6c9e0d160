-- The database and, for each service, a login role that owns its own schema and can see nothing else.
-- Run by psql as a superuser, again whenever a password changes; passwords come from the environment:
--   INTAKE_PASSWORD=... DISPATCH_PASSWORD=... FEEDBACK_PASSWORD=... psql -v ON_ERROR_STOP=1 -f roles.sql
-- Another database name: psql -v database=name. No services' data is ever touched.
\set QUIET on
SET client_min_messages = warning;
\if :{?database}
\else
  \set database minqing
\endif
\getenv intake_password INTAKE_PASSWORD
\getenv dispatch_password DISPATCH_PASSWORD
\getenv feedback_password FEEDBACK_PASSWORD

SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', name)
  FROM unnest(ARRAY['intake', 'dispatch', 'feedback']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec
ALTER ROLE intake PASSWORD :'intake_password';
ALTER ROLE dispatch PASSWORD :'dispatch_password';
ALTER ROLE feedback PASSWORD :'feedback_password';
ALTER ROLE intake SET search_path = intake;
ALTER ROLE dispatch SET search_path = dispatch;
ALTER ROLE feedback SET search_path = feedback;

SELECT format('CREATE DATABASE %I ENCODING ''UTF8'' TEMPLATE template0', :'database')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')
\gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO intake, dispatch, feedback;

\connect :"database"
SET client_min_messages = warning;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA IF NOT EXISTS intake AUTHORIZATION intake;
CREATE SCHEMA IF NOT EXISTS dispatch AUTHORIZATION dispatch;
CREATE SCHEMA IF NOT EXISTS feedback AUTHORIZATION feedback;
REVOKE ALL ON SCHEMA intake, dispatch, feedback FROM PUBLIC;
