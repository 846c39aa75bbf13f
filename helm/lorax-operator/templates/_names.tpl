{{/* Name of everything that the release makes. */}}
{{- define "lorax-operator.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "lorax-operator.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "lorax-operator.name" .) }}
{{- end -}}

{{/* What selects the operator's pods; never the version, a Deployment's selector must not change. */}}
{{- define "lorax-operator.selector" -}}
app.kubernetes.io/name: lorax-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What selects the pod of helm test, which is none of the operator's. */}}
{{- define "lorax-operator.testSelector" -}}
app.kubernetes.io/name: lorax-operator-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "lorax-operator.labels" -}}
{{ include "lorax-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "lorax-operator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* What the operator may do in the namespaces that it watches: each verb is used, none is missing. */}}
{{- define "lorax-operator.rules" -}}
- apiGroups: [lorax.dev]
  resources: [loraxservers]
  verbs: [get, list, watch]
- apiGroups: [lorax.dev]
  resources: [loraxservers/status]
  verbs: [patch]
# Owner references with blockOwnerDeletion need this where the API server checks them.
- apiGroups: [lorax.dev]
  resources: [loraxservers/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list, watch, create, patch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch, create, patch]
# Claims for weights that replicas share; they go with their server and are never deleted from here.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [list, watch, create, patch]
# The patch writes a pod's deletion cost when its server shrinks.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch, create, patch, delete]
# Templates of claims for devices; they go with their server.
- apiGroups: [resource.k8s.io]
  resources: [resourceclaimtemplates]
  verbs: [list, watch, create, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}
