{{/* Name of a part: pdwatch-serve, or RELEASE-pdwatch-serve where the release is named otherwise. */}}
{{- define "pdwatch.name" -}}
{{- $base := contains "pdwatch" .root.Release.Name | ternary .root.Release.Name (printf "%s-pdwatch" .root.Release.Name) -}}
{{- printf "%s-%s" ($base | trunc 52 | trimSuffix "-") .part -}}
{{- end -}}

{{/* What pods are chosen by. */}}
{{- define "pdwatch.selector" -}}
app.kubernetes.io/name: pdwatch
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{/* Labels of pods: nothing that changes with the chart alone, so that no pod is made anew for it. */}}
{{- define "pdwatch.podLabels" -}}
{{ include "pdwatch.selector" . }}
app.kubernetes.io/part-of: pdwatch
{{- end -}}

{{- define "pdwatch.labels" -}}
{{ include "pdwatch.podLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "pdwatch.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* How both containers are probed. */}}
{{- define "pdwatch.probes" -}}
livenessProbe:
  httpGet: {path: /-/healthy, port: {{ . }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /-/ready, port: {{ . }}}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}
