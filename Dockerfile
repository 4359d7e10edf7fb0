# The dashboard and its worker; compose.yaml runs both, with all that they need.
FROM python:3.13-slim
WORKDIR /commonhold
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes --requirement requirements.txt
COPY . .
RUN useradd --home-dir /commonhold commonhold && mkdir var && chown commonhold var
USER commonhold
CMD ["gunicorn", "--config", "gunicorn.conf.py", "--bind", "0.0.0.0:8000", "dashboard.wsgi"]
