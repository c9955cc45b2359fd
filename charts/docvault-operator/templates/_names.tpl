{{- define "docvault-operator.name" -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) | trunc 48 | trimSuffix "-" }}
{{- end }}

{{- define "docvault-operator.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "docvault-operator.name" .) }}
{{- end }}

{{- define "docvault-operator.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}

{{- define "docvault-operator.selector" -}}
app.kubernetes.io/name: docvault-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "docvault-operator.labels" -}}
{{ include "docvault-operator.selector" . }}
{{ include "docvault-operator.releaseLabels" . }}
{{- end }}

{{- define "docvault-operator.releaseLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "docvault-operator.metricsPort" -}}
{{- ternary 8443 8080 .Values.metrics.secure }}
{{- end }}
