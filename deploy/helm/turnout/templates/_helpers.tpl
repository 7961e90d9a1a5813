{{- define "turnout.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels by which a part is found; they never change. Takes (dict "root" $ "part" "edge"). */}}
{{- define "turnout.selector" -}}
app.kubernetes.io/name: turnout
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "turnout.labels" -}}
{{ include "turnout.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "turnout.secret" -}}
{{- .Values.secret.existing | default (include "turnout.fullname" .) -}}
{{- end -}}

{{- define "turnout.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "turnout.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Plain settings as environment variables. Takes a list of maps; the later ones win. */}}
{{- define "turnout.settings" -}}
{{- $all := dict -}}
{{- range . -}}{{- $all = mergeOverwrite $all (deepCopy .) -}}{{- end -}}
{{- range $name, $value := $all }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end -}}
{{- end -}}

{{/* A setting from the Secret. Takes (dict "root" $ "name" NAME "key" KEY "optional" BOOL). */}}
{{- define "turnout.fromSecret" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ include "turnout.secret" .root }}
      key: {{ .key }}
      optional: {{ .optional | default false }}
{{- end -}}

{{/* Pods that are made anew when the Secret of this chart changes. */}}
{{- define "turnout.podAnnotations" -}}
{{- if not .root.Values.secret.existing }}
checksum/secret: {{ toJson .root.Values.secret.values | sha256sum }}
{{- end }}
{{- if .root.Values.metrics.annotations }}
prometheus.io/scrape: "true"
prometheus.io/path: /metrics
prometheus.io/port: {{ .metricsPort | quote }}
{{- end }}
{{- with .extra }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Beside an edge or control: fetches the country database into the data folder, from where it is taken up. */}}
{{- define "turnout.geoUpdate" -}}
{{- if .Values.geoUpdate.enabled -}}
- name: geo-update
  image: "{{ .Values.control.image.repository }}:{{ .Values.control.image.tag | default .Chart.AppVersion }}"
  imagePullPolicy: {{ .Values.control.image.pullPolicy }}
  # A failure is tried again in an hour; what is in use goes on being used.
  command: [sh, -c]
  args:
    - |
      trap 'exit 0' TERM
      while :; do
        if turnout geo update {{ if .Values.geoUpdate.maxmindSecret }}--maxmind @/run/maxmind/credentials{{ else }}--dbip{{ end }}
        then pause={{ mul (int .Values.geoUpdate.everyHours) 3600 }}
        else pause=3600
        fi
        sleep "$pause" & wait $!
      done
  securityContext:
    {{- include "turnout.containerSecurity" . | nindent 4 }}
  resources:
    requests: {cpu: 10m, memory: 64Mi}
    limits: {memory: 512Mi}
  volumeMounts:
    - {name: data, mountPath: /data}
    - {name: tmp, mountPath: /tmp}
    {{- if .Values.geoUpdate.maxmindSecret }}
    - {name: maxmind, mountPath: /run/maxmind, readOnly: true}
    {{- end }}
{{- end -}}
{{- end -}}

{{- define "turnout.geoUpdateVolume" -}}
{{- if and .Values.geoUpdate.enabled .Values.geoUpdate.maxmindSecret -}}
- name: maxmind
  secret: {secretName: {{ .Values.geoUpdate.maxmindSecret }}}
{{- end -}}
{{- end -}}
