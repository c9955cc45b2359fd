{{- /* A role with generated rules, and its binding to the operator. Of a dict: root, name, rules (a file of files/rules), and
namespace, which a ClusterRole has none of. */ -}}
{{- define "docvault-operator.granted" -}}
{{- $kind := ternary "Role" "ClusterRole" (hasKey . "namespace") -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "docvault-operator.labels" .root | nindent 4 }}
{{ .root.Files.Get (printf "files/rules/%s.yaml" .rules) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "docvault-operator.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "docvault-operator.serviceAccount" .root }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}
