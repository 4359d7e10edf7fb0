"""Gateways are told of an API at a domain while its organisation has that proven: so also a domain concerns them.

An API whose domain is lost leaves the feed at once, before the worker builds it anew.
"""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION gateways_note_domain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one record := coalesce(NEW, OLD);
    stands boolean := TG_OP <> 'DELETE' AND one.proven_at IS NOT NULL AND one.purpose = 'apis';
BEGIN
    UPDATE public.gateways_feeditem AS item
    SET is_served = false, since = pg_current_xact_id()::text::bigint,
        history = jsonb_build_array(jsonb_build_array(item.revision, item.since)) || item.history
    FROM public.apis_api AS api
    WHERE NOT stands AND api.organisation_id = one.organisation_id AND split_part(api.domain, ':', 1) = one.host
        AND item.organisation_id = api.organisation_id AND item.kind = 'apis' AND item.object_id = api.id
        AND item.is_served;
    INSERT INTO public.gateways_outbox (organisation_id, group_id, name, is_new)
    SELECT organisation_id, '', 'apis:' || id, false FROM public.apis_api
    WHERE apis_api.organisation_id = one.organisation_id AND split_part(apis_api.domain, ':', 1) = one.host;
    RETURN NULL;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER gateways_new AFTER INSERT ON orgs_domain FOR EACH ROW
    WHEN (NEW.proven_at IS NOT NULL AND NEW.purpose = 'apis') EXECUTE FUNCTION gateways_note_domain();
CREATE TRIGGER gateways_changed AFTER UPDATE ON orgs_domain FOR EACH ROW
    WHEN ((OLD.proven_at IS NOT NULL AND OLD.purpose = 'apis') <> (NEW.proven_at IS NOT NULL AND NEW.purpose = 'apis'))
    EXECUTE FUNCTION gateways_note_domain();
CREATE TRIGGER gateways_deleted AFTER DELETE ON orgs_domain FOR EACH ROW
    WHEN (OLD.proven_at IS NOT NULL AND OLD.purpose = 'apis') EXECUTE FUNCTION gateways_note_domain();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("gateways", "0002_outbox"),
        ("apis", "0002_listen_path_at_domain"),
        ("orgs", "0004_domains_of_organisations"),
    ]
    operations = [migrations.RunSQL(FUNCTION), migrations.RunSQL(TRIGGERS)]
