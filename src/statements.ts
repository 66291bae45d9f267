/**
 * The statements that D1 gets, and the names of the values that they bind: the first one for `?1`.
 * Compiled from `queries/` by `npm run build:queries`. Do not edit.
 */

export const recordDeletion = {
  sql:
    "insert into user_deletions (id, organization_id, organization_user_id, user_id," +
      " actor_kind, actor_subject, groups_removed, request_id, idempotency_key," +
      " deleted_at, member_state, group_ids)" +
    " select ?1 as id, target.organization_id, target.id, target.user_id, kind," +
    " ?2 as actor_subject, count(group_members.group_id) as groups_removed," +
    " ?3 as request_id, ?4 as idempotency_key, ?5 as deleted_at, iif(?6, target.state," +
      " null) as member_state," +
    " iif((?6" +
        " and total(iif(?6, iif(octet_length(group_members.group_id) > 300000, 1000000," +
              " octet_length(json_quote(group_members.group_id)) + 1)," +
            " 0)) < 1000000" +
        " and max(octet_length(target.organization_id)," +
          " octet_length(target.id)," +
          " octet_length(target.user_id)) <= 300000)," +
      " (select json_group_array(group_id)" +
        " from group_members" +
        " where group_members.organization_user_id = target.id)," +
      " null) as group_ids" +
    " from organization_users target" +
    " cross join (select kind, member_id" +
      " from (select 'user' as kind, organization_users.id as member_id, group_members.group_id" +
        " from users" +
        " cross join organization_users" +
        " cross join group_members" +
        " where ((users.subject = ?2" +
            " and users.state = 'active')" +
          " and organization_users.user_id = users.id" +
          " and organization_users.organization_id = ?7" +
          " and organization_users.state = 'active'" +
          " and group_members.organization_user_id = organization_users.id)" +
        " union all select 'service_account' as kind, null as member_id, group_service_accounts.group_id" +
        " from service_accounts" +
        " cross join group_service_accounts" +
        " where (service_accounts.id = ?2" +
          " and service_accounts.organization_id = ?7" +
          " and group_service_accounts.service_account_id = service_accounts.id)) caller_groups" +
      " cross join group_roles" +
      " cross join role_permissions" +
      " where (group_roles.group_id = caller_groups.group_id" +
        " and (role_permissions.role_id = group_roles.role_id" +
          " and role_permissions.scope = 'organization'" +
          " and role_permissions.endpoint = 'identity:users'" +
          " and role_permissions.operation = 'delete'))" +
      " union all select 'user' as kind, null as member_id" +
      " from users" +
      " cross join global_role_bindings" +
      " cross join role_permissions" +
      " where ((users.subject = ?2" +
          " and users.state = 'active')" +
        " and global_role_bindings.user_id = users.id" +
        " and (role_permissions.role_id = global_role_bindings.role_id" +
          " and role_permissions.scope = 'global'" +
          " and role_permissions.endpoint = 'identity:users'" +
          " and role_permissions.operation = 'delete'))" +
      " union all select 'user' as kind, organization_users.id as member_id" +
      " from users" +
      " cross join organization_users" +
      " where (?8" +
        " and (users.subject = ?2" +
          " and users.state = 'active')" +
        " and organization_users.user_id = users.id" +
        " and organization_users.organization_id = ?7" +
        " and organization_users.id = ?9" +
        " and organization_users.state in ('active', 'pending'))" +
      " limit 1) caller" +
    " left join group_members" +
    " on group_members.organization_user_id = target.id" +
    " where ((target.id = ?9" +
        " and target.organization_id = ?7)" +
      " and not (exists (select 1" +
          " from service_accounts" +
          " where service_accounts.id = ?2)" +
        " and exists (select 1" +
          " from users" +
          " where users.subject = ?2)))" +
    " group by target.id" +
    " on conflict do nothing",
  names: [
    'deletionID', // ?1
    'subject', // ?2
    'requestID', // ?3
    'idempotencyKey', // ?4
    'deletedAt', // ?5
    'recordGroups', // ?6
    'organizationID', // ?7
    'membersMayLeave', // ?8
    'userID', // ?9
  ],
} as const

export const recordDeletionKeepingAdministrator = {
  sql:
    "insert into user_deletions (id, organization_id, organization_user_id, user_id," +
      " actor_kind, actor_subject, groups_removed, request_id, idempotency_key," +
      " deleted_at, member_state, group_ids)" +
    " select ?1 as id, target.organization_id, target.id, target.user_id, kind," +
    " ?2 as actor_subject, count(group_members.group_id) as groups_removed," +
    " ?3 as request_id, ?4 as idempotency_key, ?5 as deleted_at, iif(?6, target.state," +
      " null) as member_state," +
    " iif((?6" +
        " and total(iif(?6, iif(octet_length(group_members.group_id) > 300000, 1000000," +
              " octet_length(json_quote(group_members.group_id)) + 1)," +
            " 0)) < 1000000" +
        " and max(octet_length(target.organization_id)," +
          " octet_length(target.id)," +
          " octet_length(target.user_id)) <= 300000)," +
      " (select json_group_array(group_id)" +
        " from group_members" +
        " where group_members.organization_user_id = target.id)," +
      " null) as group_ids" +
    " from organization_users target" +
    " cross join (select kind, member_id" +
      " from (select 'user' as kind, organization_users.id as member_id, group_members.group_id" +
        " from users" +
        " cross join organization_users" +
        " cross join group_members" +
        " where ((users.subject = ?2" +
            " and users.state = 'active')" +
          " and organization_users.user_id = users.id" +
          " and organization_users.organization_id = ?7" +
          " and organization_users.state = 'active'" +
          " and group_members.organization_user_id = organization_users.id)" +
        " union all select 'service_account' as kind, null as member_id, group_service_accounts.group_id" +
        " from service_accounts" +
        " cross join group_service_accounts" +
        " where (service_accounts.id = ?2" +
          " and service_accounts.organization_id = ?7" +
          " and group_service_accounts.service_account_id = service_accounts.id)) caller_groups" +
      " cross join group_roles" +
      " cross join role_permissions" +
      " where (group_roles.group_id = caller_groups.group_id" +
        " and (role_permissions.role_id = group_roles.role_id" +
          " and role_permissions.scope = 'organization'" +
          " and role_permissions.endpoint = 'identity:users'" +
          " and role_permissions.operation = 'delete'))" +
      " union all select 'user' as kind, null as member_id" +
      " from users" +
      " cross join global_role_bindings" +
      " cross join role_permissions" +
      " where ((users.subject = ?2" +
          " and users.state = 'active')" +
        " and global_role_bindings.user_id = users.id" +
        " and (role_permissions.role_id = global_role_bindings.role_id" +
          " and role_permissions.scope = 'global'" +
          " and role_permissions.endpoint = 'identity:users'" +
          " and role_permissions.operation = 'delete'))" +
      " union all select 'user' as kind, organization_users.id as member_id" +
      " from users" +
      " cross join organization_users" +
      " where (?8" +
        " and (users.subject = ?2" +
          " and users.state = 'active')" +
        " and organization_users.user_id = users.id" +
        " and organization_users.organization_id = ?7" +
        " and organization_users.id = ?9" +
        " and organization_users.state in ('active', 'pending'))" +
      " limit 1) caller" +
    " left join group_members" +
    " on group_members.organization_user_id = target.id" +
    " where ((target.id = ?9" +
        " and target.organization_id = ?7)" +
      " and not (exists (select 1" +
          " from service_accounts" +
          " where service_accounts.id = ?2)" +
        " and exists (select 1" +
          " from users" +
          " where users.subject = ?2))" +
      " and not ((kind = 'service_account' or member_id is target.id)" +
        " and exists (select 1" +
          " from groups" +
          " cross join group_roles" +
          " cross join role_permissions" +
          " cross join group_members" +
          " cross join organization_users" +
          " cross join users" +
          " where (groups.organization_id = ?7" +
            " and organization_users.id = target.id" +
            " and group_roles.group_id = groups.id" +
            " and (role_permissions.role_id = group_roles.role_id" +
              " and role_permissions.scope = 'organization'" +
              " and role_permissions.endpoint = 'identity:users'" +
              " and role_permissions.operation = 'delete')" +
            " and group_members.group_id = groups.id" +
            " and organization_users.id = group_members.organization_user_id" +
            " and organization_users.state = 'active'" +
            " and users.id = organization_users.user_id" +
            " and users.state = 'active'" +
            " and not exists (select 1" +
              " from service_accounts" +
              " where service_accounts.id = users.subject)))" +
        " and not exists (select 1" +
          " from groups" +
          " cross join group_roles" +
          " cross join role_permissions" +
          " cross join group_members" +
          " cross join organization_users" +
          " cross join users" +
          " where (groups.organization_id = ?7" +
            " and organization_users.id <> target.id" +
            " and group_roles.group_id = groups.id" +
            " and (role_permissions.role_id = group_roles.role_id" +
              " and role_permissions.scope = 'organization'" +
              " and role_permissions.endpoint = 'identity:users'" +
              " and role_permissions.operation = 'delete')" +
            " and group_members.group_id = groups.id" +
            " and organization_users.id = group_members.organization_user_id" +
            " and organization_users.state = 'active'" +
            " and users.id = organization_users.user_id" +
            " and users.state = 'active'" +
            " and not exists (select 1" +
              " from service_accounts" +
              " where service_accounts.id = users.subject)))" +
        " and not exists (select 'user' as kind, null as member_id" +
          " from users" +
          " cross join global_role_bindings" +
          " cross join role_permissions" +
          " where ((users.subject = ?2" +
              " and users.state = 'active')" +
            " and global_role_bindings.user_id = users.id" +
            " and (role_permissions.role_id = global_role_bindings.role_id" +
              " and role_permissions.scope = 'global'" +
              " and role_permissions.endpoint = 'identity:users'" +
              " and role_permissions.operation = 'delete')))))" +
    " group by target.id" +
    " on conflict do nothing",
  names: [
    'deletionID', // ?1
    'subject', // ?2
    'requestID', // ?3
    'idempotencyKey', // ?4
    'deletedAt', // ?5
    'recordGroups', // ?6
    'organizationID', // ?7
    'membersMayLeave', // ?8
    'userID', // ?9
  ],
} as const

export const deleteMemberships = {
  sql:
    "delete from group_members" +
    " where group_members.organization_user_id = (select organization_user_id" +
      " from user_deletions" +
      " where (user_deletions.id = ?1" +
        " and user_deletions.deleted_at = ?2))",
  names: [
    'deletionID', // ?1
    'deletedAt', // ?2
  ],
} as const

export const deleteUser = {
  sql:
    "delete from organization_users" +
    " where organization_users.id = (select organization_user_id" +
      " from user_deletions" +
      " where (user_deletions.id = ?1" +
        " and user_deletions.deleted_at = ?2))",
  names: [
    'deletionID', // ?1
    'deletedAt', // ?2
  ],
} as const

export const insertEvent = {
  sql:
    "insert into deletion_outbox (deletion_id)" +
    " select id as deletion_id" +
    " from user_deletions" +
    " where (user_deletions.id = ?1" +
      " and user_deletions.deleted_at = ?2" +
      " and not exists (select 1" +
        " from organization_users" +
        " where organization_users.id = user_deletions.organization_user_id))",
  names: [
    'deletionID', // ?1
    'deletedAt', // ?2
  ],
} as const

export const reportOutcome = {
  sql:
    "select coalesce(iif((user_deletions.deleted_at = ?1" +
          " and exists (select 1" +
            " from organization_users" +
            " where organization_users.id = user_deletions.organization_user_id))," +
        " 'user_kept', null)," +
      " iif(user_deletions.id is not null, 'deleted', null)," +
      " iif(case" +
        " when exists (select 1" +
          " from service_accounts" +
          " where service_accounts.id = ?2) then iif(exists (select 1" +
            " from users" +
            " where users.subject = ?2)," +
          " null, 'service_account')" +
        " when exists (select 1" +
          " from users" +
          " where users.subject = ?2) then 'user' end is null, 'caller_unknown', null)," +
      " (select 'caller_' || state" +
        " from users" +
        " where (users.subject = ?2" +
          " and users.state <> 'active'))," +
      " iif(exists (select 1" +
          " from user_deletions" +
          " where (user_deletions.idempotency_key = ?3" +
            " and user_deletions.actor_subject = ?2" +
            " and user_deletions.organization_id = ?4" +
            " and user_deletions.organization_user_id = ?5))," +
        " 'replayed', null)," +
      " iif(not exists (select kind, member_id" +
          " from (select 'user' as kind, organization_users.id as member_id, group_members.group_id" +
            " from users" +
            " cross join organization_users" +
            " cross join group_members" +
            " where ((users.subject = ?2" +
                " and users.state = 'active')" +
              " and organization_users.user_id = users.id" +
              " and organization_users.organization_id = ?4" +
              " and organization_users.state = 'active'" +
              " and group_members.organization_user_id = organization_users.id)" +
            " union all select 'service_account' as kind, null as member_id, group_service_accounts.group_id" +
            " from service_accounts" +
            " cross join group_service_accounts" +
            " where (service_accounts.id = ?2" +
              " and service_accounts.organization_id = ?4" +
              " and group_service_accounts.service_account_id = service_accounts.id)) caller_groups" +
          " cross join group_roles" +
          " cross join role_permissions" +
          " where (group_roles.group_id = caller_groups.group_id" +
            " and (role_permissions.role_id = group_roles.role_id" +
              " and role_permissions.scope = 'organization'" +
              " and role_permissions.endpoint = 'identity:users'" +
              " and role_permissions.operation = 'delete'))" +
          " union all select 'user' as kind, null as member_id" +
          " from users" +
          " cross join global_role_bindings" +
          " cross join role_permissions" +
          " where ((users.subject = ?2" +
              " and users.state = 'active')" +
            " and global_role_bindings.user_id = users.id" +
            " and (role_permissions.role_id = global_role_bindings.role_id" +
              " and role_permissions.scope = 'global'" +
              " and role_permissions.endpoint = 'identity:users'" +
              " and role_permissions.operation = 'delete'))" +
          " union all select 'user' as kind, organization_users.id as member_id" +
          " from users" +
          " cross join organization_users" +
          " where (?6" +
            " and (users.subject = ?2" +
              " and users.state = 'active')" +
            " and organization_users.user_id = users.id" +
            " and organization_users.organization_id = ?4" +
            " and organization_users.id = ?5" +
            " and organization_users.state in ('active', 'pending'))" +
          " limit 1)," +
        " 'not_permitted', null)," +
      " iif(not exists (select 1" +
          " from organization_users target" +
          " where (target.id = ?5" +
            " and target.organization_id = ?4))," +
        " 'user_not_found', null)," +
      " 'last_administrator') as outcome," +
    " coalesce(user_deletions.actor_kind, case" +
      " when exists (select 1" +
        " from service_accounts" +
        " where service_accounts.id = ?2) then iif(exists (select 1" +
          " from users" +
          " where users.subject = ?2)," +
        " null, 'service_account')" +
      " when exists (select 1" +
        " from users" +
        " where users.subject = ?2) then 'user' end) as actorKind," +
    " user_deletions.groups_removed as groupsRemoved" +
    " from (select 1)" +
    " left join user_deletions" +
    " on user_deletions.id = ?7",
  names: [
    'deletedAt', // ?1
    'subject', // ?2
    'idempotencyKey', // ?3
    'organizationID', // ?4
    'userID', // ?5
    'membersMayLeave', // ?6
    'deletionID', // ?7
  ],
} as const

export const reportOutcomeAndEvent = {
  sql:
    "select coalesce(iif((user_deletions.deleted_at = ?1" +
          " and exists (select 1" +
            " from organization_users" +
            " where organization_users.id = user_deletions.organization_user_id))," +
        " 'user_kept', null)," +
      " iif(user_deletions.id is not null, 'deleted', null)," +
      " iif(case" +
        " when exists (select 1" +
          " from service_accounts" +
          " where service_accounts.id = ?2) then iif(exists (select 1" +
            " from users" +
            " where users.subject = ?2)," +
          " null, 'service_account')" +
        " when exists (select 1" +
          " from users" +
          " where users.subject = ?2) then 'user' end is null, 'caller_unknown', null)," +
      " (select 'caller_' || state" +
        " from users" +
        " where (users.subject = ?2" +
          " and users.state <> 'active'))," +
      " iif(exists (select 1" +
          " from user_deletions" +
          " where (user_deletions.idempotency_key = ?3" +
            " and user_deletions.actor_subject = ?2" +
            " and user_deletions.organization_id = ?4" +
            " and user_deletions.organization_user_id = ?5))," +
        " 'replayed', null)," +
      " iif(not exists (select kind, member_id" +
          " from (select 'user' as kind, organization_users.id as member_id, group_members.group_id" +
            " from users" +
            " cross join organization_users" +
            " cross join group_members" +
            " where ((users.subject = ?2" +
                " and users.state = 'active')" +
              " and organization_users.user_id = users.id" +
              " and organization_users.organization_id = ?4" +
              " and organization_users.state = 'active'" +
              " and group_members.organization_user_id = organization_users.id)" +
            " union all select 'service_account' as kind, null as member_id, group_service_accounts.group_id" +
            " from service_accounts" +
            " cross join group_service_accounts" +
            " where (service_accounts.id = ?2" +
              " and service_accounts.organization_id = ?4" +
              " and group_service_accounts.service_account_id = service_accounts.id)) caller_groups" +
          " cross join group_roles" +
          " cross join role_permissions" +
          " where (group_roles.group_id = caller_groups.group_id" +
            " and (role_permissions.role_id = group_roles.role_id" +
              " and role_permissions.scope = 'organization'" +
              " and role_permissions.endpoint = 'identity:users'" +
              " and role_permissions.operation = 'delete'))" +
          " union all select 'user' as kind, null as member_id" +
          " from users" +
          " cross join global_role_bindings" +
          " cross join role_permissions" +
          " where ((users.subject = ?2" +
              " and users.state = 'active')" +
            " and global_role_bindings.user_id = users.id" +
            " and (role_permissions.role_id = global_role_bindings.role_id" +
              " and role_permissions.scope = 'global'" +
              " and role_permissions.endpoint = 'identity:users'" +
              " and role_permissions.operation = 'delete'))" +
          " union all select 'user' as kind, organization_users.id as member_id" +
          " from users" +
          " cross join organization_users" +
          " where (?6" +
            " and (users.subject = ?2" +
              " and users.state = 'active')" +
            " and organization_users.user_id = users.id" +
            " and organization_users.organization_id = ?4" +
            " and organization_users.id = ?5" +
            " and organization_users.state in ('active', 'pending'))" +
          " limit 1)," +
        " 'not_permitted', null)," +
      " iif(not exists (select 1" +
          " from organization_users target" +
          " where (target.id = ?5" +
            " and target.organization_id = ?4))," +
        " 'user_not_found', null)," +
      " 'last_administrator') as outcome," +
    " coalesce(user_deletions.actor_kind, case" +
      " when exists (select 1" +
        " from service_accounts" +
        " where service_accounts.id = ?2) then iif(exists (select 1" +
          " from users" +
          " where users.subject = ?2)," +
        " null, 'service_account')" +
      " when exists (select 1" +
        " from users" +
        " where users.subject = ?2) then 'user' end) as actorKind," +
    " user_deletions.groups_removed as groupsRemoved, user_deletions.deleted_at as deletedAt," +
    " case" +
    " when octet_length(user_deletions.organization_id) + octet_length(user_deletions.organization_user_id) + octet_length(user_deletions.user_id) + octet_length(user_deletions.actor_subject) + octet_length(user_deletions.request_id) + octet_length(coalesce(user_deletions.group_ids," +
        " '')) <= 100000 then json_object('organizationID', user_deletions.organization_id," +
      " 'userID', user_deletions.organization_user_id, 'personID', user_deletions.user_id," +
      " 'actor', json_object('kind', user_deletions.actor_kind, 'subject', user_deletions.actor_subject)," +
      " 'groupsRemoved', user_deletions.groups_removed, 'groupIDs', case" +
      " when json_valid(user_deletions.group_ids) then json(user_deletions.group_ids) end," +
      " 'requestID', user_deletions.request_id) end as data" +
    " from (select 1)" +
    " left join user_deletions" +
    " on user_deletions.id = ?7",
  names: [
    'deletedAt', // ?1
    'subject', // ?2
    'idempotencyKey', // ?3
    'organizationID', // ?4
    'userID', // ?5
    'membersMayLeave', // ?6
    'deletionID', // ?7
  ],
} as const

export const selectPending = {
  sql:
    "select id, deletedAt, iif(octet_length(json) <= 100000, json, null) as data" +
    " from (select deletion_outbox.deletion_id as id, user_deletions.deleted_at as deletedAt," +
      " case" +
      " when octet_length(user_deletions.organization_id) + octet_length(user_deletions.organization_user_id) + octet_length(user_deletions.user_id) + octet_length(user_deletions.actor_subject) + octet_length(user_deletions.request_id) + octet_length(coalesce(user_deletions.group_ids," +
          " '')) <= 100000 then json_object('organizationID', user_deletions.organization_id," +
        " 'userID', user_deletions.organization_user_id, 'personID', user_deletions.user_id," +
        " 'actor', json_object('kind', user_deletions.actor_kind, 'subject', user_deletions.actor_subject)," +
        " 'groupsRemoved', user_deletions.groups_removed, 'groupIDs', case" +
        " when json_valid(user_deletions.group_ids) then json(user_deletions.group_ids) end," +
        " 'requestID', user_deletions.request_id) end as json" +
      " from deletion_outbox" +
      " left join user_deletions" +
      " on user_deletions.id = deletion_outbox.deletion_id" +
      " where (deletion_outbox.deletion_id > ?1" +
        " and (user_deletions.deleted_at is null or user_deletions.deleted_at <= ?2))" +
      " order by deletion_outbox.deletion_id asc" +
      " limit 100) pending",
  names: [
    'after', // ?1
    'deletedBefore', // ?2
  ],
} as const

export const removeFromOutbox = {
  sql:
    "delete from deletion_outbox" +
    " where deletion_outbox.deletion_id in (select value" +
      " from json_each(?1))",
  names: [
    'IDs', // ?1
  ],
} as const

export const removeOldRecords = {
  sql:
    "delete from user_deletions" +
    " where user_deletions.id in (select id" +
      " from user_deletions" +
      " where (user_deletions.id < ?1" +
        " and user_deletions.deleted_at < ?2" +
        " and not exists (select 1" +
          " from deletion_outbox" +
          " where deletion_outbox.deletion_id = user_deletions.id))" +
      " order by user_deletions.id asc" +
      " limit 500)",
  names: [
    'before', // ?1
    'deletedBefore', // ?2
  ],
} as const
