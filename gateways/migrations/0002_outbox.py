"""What PostgreSQL does by itself when something that gateways have is changed, in the transaction of the change.

The names of what changed go into the outbox; what gateways may no longer have leaves the feeds at once.
"""

from django.db import migrations

# A key's session is stored in each Redis under its hash. A secret that is replaced, and the one before it, have their
# own. Where only `updated_at` moves, the quota begins anew: its counters go. Certificates and OAuth clients lie there
# under what gateways ask for them by.
FUNCTIONS = """
CREATE FUNCTION gateways_note_new_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT key.organisation_id, serving.group_id, 'apikey-' || key.hash, true
    FROM new_rows AS key JOIN public.gateways_serving AS serving USING (organisation_id);
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_note_changed_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT DISTINCT key.organisation_id, serving.group_id, key.name, false
    FROM (
        SELECT organisation_id, 'apikey-' || hash AS name FROM new_rows
        UNION ALL SELECT organisation_id, 'apikey-' || previous_hash FROM new_rows WHERE previous_hash <> ''
        UNION ALL SELECT organisation_id, 'apikey-' || hash FROM old_rows
        UNION ALL SELECT organisation_id, 'apikey-' || previous_hash FROM old_rows WHERE previous_hash <> ''
        UNION ALL SELECT new_rows.organisation_id, 'quota-' || new_rows.hash FROM new_rows JOIN old_rows USING (id)
            WHERE new_rows.revision = old_rows.revision AND new_rows.updated_at <> old_rows.updated_at
    ) AS key JOIN public.gateways_serving AS serving USING (organisation_id);
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_note_deleted_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT key.organisation_id, serving.group_id, 'apikey-' || under, false
    FROM old_rows AS key JOIN public.gateways_serving AS serving USING (organisation_id),
        unnest(ARRAY[key.hash, key.previous_hash]) AS stored (under)
    WHERE under <> '';
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_note_lost_accesses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT DISTINCT key.organisation_id, serving.group_id, 'apikey-' || under, false
    FROM old_rows AS access
    JOIN public.keys_key AS key ON key.organisation_id = access.organisation_id AND key.id = access.key_id
    JOIN public.gateways_serving AS serving ON serving.organisation_id = key.organisation_id,
        unnest(ARRAY[key.hash, key.previous_hash]) AS stored (under)
    WHERE under <> '';
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_note_certificates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT row.organisation_id, serving.group_id, 'cert-raw-' || row.organisation_id || row.fingerprint, false
    FROM changed_rows AS row JOIN public.gateways_serving AS serving USING (organisation_id);
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_note_oauth_clients() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT row.organisation_id, serving.group_id,
        'oauth-data.' || api.api_id || '.oauth-clientid.' || row.client_id, false
    FROM changed_rows AS row
    JOIN public.apis_api AS api ON api.organisation_id = row.organisation_id AND api.id = row.api_id
    JOIN public.gateways_serving AS serving ON serving.organisation_id = row.organisation_id;
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_note_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT client.organisation_id, serving.group_id, 'oauth-data.' || name || '.oauth-clientid.' || client.client_id,
        false
    FROM public.apis_oauthclient AS client JOIN public.gateways_serving AS serving USING (organisation_id),
        unnest(ARRAY[OLD.api_id, NEW.api_id]) AS name
    WHERE client.organisation_id = NEW.organisation_id AND client.api_id = NEW.id;
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_note_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT organisation_id, '', TG_ARGV[0] || ':' || id, true FROM new_rows;
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_note_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT organisation_id, '', TG_ARGV[0] || ':' || id, false FROM new_rows;
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_take_out_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.gateways_feeditem AS item
    SET is_served = false, since = pg_current_xact_id()::text::bigint,
        history = jsonb_build_array(jsonb_build_array(item.revision, item.since)) || item.history
    FROM old_rows AS gone
    WHERE item.organisation_id = gone.organisation_id AND item.kind = TG_ARGV[0] AND item.object_id = gone.id
        AND item.is_served;
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT organisation_id, '', TG_ARGV[0] || ':' || id, false FROM old_rows;
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_take_out_inactive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.gateways_feeditem AS item
    SET is_served = false, since = pg_current_xact_id()::text::bigint,
        history = jsonb_build_array(jsonb_build_array(item.revision, item.since)) || item.history
    FROM new_rows AS api
    WHERE item.organisation_id = api.organisation_id AND item.kind = 'apis' AND item.object_id = api.id
        AND item.is_served AND NOT api.is_active;
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_note_policies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT DISTINCT organisation_id, '', 'policies:' || policy_id, false FROM old_rows;
    RETURN NULL;
END $$;

CREATE FUNCTION gateways_note_organisation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE now_off boolean := NEW.is_suspended OR coalesce(NEW.gateway_session @> '{"is_inactive": true}', false);
BEGIN
    UPDATE public.gateways_serving SET is_off = now_off, since = pg_current_xact_id()::text::bigint
    WHERE organisation_id = NEW.id AND is_off <> now_off;
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT organisation_id, group_id, name, false
    FROM public.gateways_serving, unnest(ARRAY['orgkey.' || NEW.id, 'reload']) AS name WHERE organisation_id = NEW.id
    UNION ALL
    SELECT organisation_id, '', 'apis:' || id, false FROM public.apis_api
    WHERE organisation_id = NEW.id AND OLD.gateway_session IS DISTINCT FROM NEW.gateway_session;
    RETURN NULL;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER gateways_new AFTER INSERT ON keys_key REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_new_keys();
CREATE TRIGGER gateways_changed AFTER UPDATE ON keys_key REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_changed_keys();
CREATE TRIGGER gateways_deleted AFTER DELETE ON keys_key REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_deleted_keys();
CREATE TRIGGER gateways_deleted AFTER DELETE ON keys_keyaccess REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_lost_accesses();

CREATE TRIGGER gateways_new AFTER INSERT ON apis_certificate REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_certificates();
CREATE TRIGGER gateways_deleted AFTER DELETE ON apis_certificate REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_certificates();

CREATE TRIGGER gateways_new AFTER INSERT ON apis_oauthclient REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_oauth_clients();
CREATE TRIGGER gateways_changed AFTER UPDATE ON apis_oauthclient REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_oauth_clients();
CREATE TRIGGER gateways_deleted AFTER DELETE ON apis_oauthclient REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_oauth_clients();

CREATE TRIGGER gateways_new AFTER INSERT ON apis_api REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_added('apis');
CREATE TRIGGER gateways_changed AFTER UPDATE ON apis_api REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_changed('apis');
CREATE TRIGGER gateways_inactive AFTER UPDATE ON apis_api REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_take_out_inactive();
CREATE TRIGGER gateways_renamed AFTER UPDATE ON apis_api FOR EACH ROW
    WHEN (OLD.api_id IS DISTINCT FROM NEW.api_id) EXECUTE FUNCTION gateways_note_renamed();
CREATE TRIGGER gateways_deleted AFTER DELETE ON apis_api REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_take_out_deleted('apis');

CREATE TRIGGER gateways_new AFTER INSERT ON keys_policy REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_added('policies');
CREATE TRIGGER gateways_changed AFTER UPDATE ON keys_policy REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_changed('policies');
CREATE TRIGGER gateways_deleted AFTER DELETE ON keys_policy REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_take_out_deleted('policies');
CREATE TRIGGER gateways_deleted AFTER DELETE ON keys_policyaccess REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gateways_note_policies();

CREATE TRIGGER gateways_changed AFTER UPDATE ON orgs_organisation FOR EACH ROW
    WHEN (OLD.is_suspended <> NEW.is_suspended OR OLD.gateway_session IS DISTINCT FROM NEW.gateway_session)
    EXECUTE FUNCTION gateways_note_organisation();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("gateways", "0001_initial"),
        ("apis", "0001_initial"),
        ("keys", "0001_initial"),
        ("orgs", "0001_initial"),
    ]
    operations = [migrations.RunSQL(FUNCTIONS), migrations.RunSQL(TRIGGERS)]
