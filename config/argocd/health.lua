-- The health of an IntegrationHub, a LookerRegistration or an HTTPIntegration, from its conditions. They follow
-- kstatus, as Argo CD expects. Only a hub can be paused.
local health = {status = "Progressing", message = "The operator has not observed the spec yet."}
local status = obj.status
if status == nil or status.conditions == nil then
  return health
end
local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local function holds(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end
if holds("Paused") then
  return {status = "Suspended", message = conditions.Paused.message}
end
if status.observedGeneration ~= obj.metadata.generation then
  return health
end
if holds("Stalled") then
  return {status = "Degraded", message = conditions.Stalled.message}
end
if holds("Reconciling") then
  return {status = "Progressing", message = conditions.Reconciling.message}
end
if holds("Ready") then
  return {status = "Healthy", message = conditions.Ready.message}
end
if conditions.Ready ~= nil then
  return {status = "Progressing", message = conditions.Ready.message}
end
return health
