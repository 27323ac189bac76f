{{- define "hub.name" -}}
{{- .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-integration-hub" .Release.Name) (contains "integration-hub" .Release.Name)) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* The name of the metrics Service: a Service's name has 63 characters at most. */ -}}
{{- define "hub.metricsName" -}}
{{- include "hub.name" . | trunc 55 | trimSuffix "-" }}-metrics
{{- end -}}

{{- define "hub.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "hub.name" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "hub.selector" -}}
app.kubernetes.io/name: integration-hub-manager
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hub.labels" -}}
{{ include "hub.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The labels and annotations that every object has. */ -}}
{{- define "hub.metadata" -}}
labels:
  {{- include "hub.labels" . | nindent 2 }}
{{- with .Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* An image's reference; takes the root and the image's values. */ -}}
{{- define "hub.image" -}}
{{- $registry := .root.Values.global.imageRegistry | default .image.registry -}}
{{- if not (or $registry (contains "/" .image.repository)) -}}
{{- fail (printf "no registry is set for the image %s, and this chart has no default. Set global.imageRegistry to the registry and folder of the images manager and hub, such as registry.example.com/integration-hub" .image.repository) -}}
{{- end -}}
{{- with $registry }}{{ . }}/{{ end }}{{ .image.repository }}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .root.Chart.AppVersion }}{{ end -}}
{{- end -}}

{{- /* The rules of one kind in files/role.yaml, which controller-gen makes; takes the root and the kind. */ -}}
{{- define "hub.rules" -}}
{{- $kind := .kind -}}
{{- range splitList "---\n" (.root.Files.Get "files/role.yaml") -}}
{{- $role := fromYaml . -}}
{{- if eq (get $role "kind") $kind }}{{ toYaml $role.rules }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "hub.metricsPort" -}}
{{- ternary 8443 8080 .Values.metrics.secure -}}
{{- end -}}

{{- /* The labels by which the cluster's own roles include a role; takes the root and the roles' names. */ -}}
{{- define "hub.aggregation" -}}
{{- if .root.Values.rbac.aggregateClusterRoles }}
{{- range .to }}
rbac.authorization.k8s.io/aggregate-to-{{ . }}: "true"
{{- end }}
{{- end }}
{{- end -}}
