"""Sentence templates of a council sitting; ``{slots}`` are filled by the corpus generator."""

from __future__ import annotations

from typing import Final


def _lines(block: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in block.strip().splitlines())


PROCEDURE: Final = _lines(
    """
    Buenos días, {greeted}.
    Buenas tardes, {greeted}.
    Muy buenos días a todos, {greeted}.
    Siendo {time}, se abre la sesión {kind}.
    Siendo {time}, se abre la sesión {kind} del {weekday}.
    Siendo {time}, se abre la sesión {kind} de {month}.
    Siendo {time}, damos inicio a la sesión {kind} de hoy.
    Se abre la sesión {kind} del {n31} de {month}.
    Siendo {time}, se levanta la sesión.
    Siendo {time}, se levanta la sesión {kind}.
    No habiendo más asuntos que tratar, siendo {time}, se levanta la sesión.
    Agotado el orden del día, se levanta la sesión {kind}.
    Agotado el orden del día, siendo {time}, se da por terminada la sesión.
    Se levanta la sesión y se convoca para el {weekday} a {time}.
    Señora secretaria, sírvase {order}.
    Señor secretario, sírvase {order}.
    Sírvase {order}, {greeted_one}.
    Por favor, sírvase {order}.
    Sírvase leer el siguiente punto.
    Con mucho gusto, {greeted_one}.
    Con gusto, señora presidenta.
    Hay {n20} concejales presentes, hay quórum {purpose}.
    Hay quórum {purpose}, {greeted_one}.
    Contamos con {n20} concejales, hay quórum decisorio.
    No hay quórum {purpose}.
    Le informo que hay quórum {purpose}.
    Se encuentran presentes {n20} concejales de {n20}.
    El orden del día es como sigue.
    El orden del día para hoy es el siguiente.
    Se somete a consideración el orden del día.
    Queda aprobado el orden del día.
    {ordinal}, {agenda}.
    {ordinal}, {agenda}.
    {ordinal}, debate sobre {topic}.
    {ordinal} punto, {agenda}.
    Pasamos al {ordinal_low} punto, {agenda}.
    Pasamos al último punto, {agenda}.
    Pasamos al punto número {n20}, relativo a {topic}.
    Se cierra el debate y pasamos al {ordinal_low} punto.
    Se cierra el debate y pasamos a votar.
    Continuamos con el {ordinal_low} punto, {agenda}.
    Se abre el debate sobre {topic}.
    Se abre la discusión del punto número {n20}.
    Se decreta un receso de {n60} minutos.
    Propongo un receso de {n60} minutos.
    Se declara un receso hasta {time}.
    Se reanuda la sesión siendo {time}.
    Se aprueba el acta de la sesión anterior.
    Se da lectura al acta número {n999}.
    El acta del {n31} de {month} queda aprobada.
    ¿Alguna otra proposición?
    ¿Alguna intervención más?
    ¿Algún concejal quiere intervenir?
    ¿Aprueban los honorables concejales?
    No hay más proposiciones, {greeted_one}.
    No hay más intervenciones sobre {topic}.
    No hay más asuntos, {greeted_one}.
    Gracias a todos por su asistencia.
    Muchas gracias a todos los concejales.
    Muchas gracias por su intervención.
    Se da por terminado el debate.
    Queda constancia en el acta.
    Dejo constancia de mi voto negativo.
    Se cita para el próximo {weekday} a {time}.
    En el punto de varios, hay una carta de la comunidad.
    En proposiciones y varios, tiene la palabra {title} {surname}.
    Secretaria, certifique el resultado de la votación.
    """
)

NAMES: Final = _lines(
    """
    Concejal {name}. Presente.
    Concejal {name}. Presente.
    Concejala {name}. Presente.
    Concejala {name}. Presente.
    Concejal {name}. Ausente.
    Concejala {name}. Ausente.
    Concejal {name}. Excusado.
    Concejala {name}. Excusada.
    {name}. Presente.
    {name}. Ausente.
    {name}, presente.
    {surname} {surname}, presente.
    Concejal {name}.
    Honorable concejal {name}. Presente.
    Presente, {greeted_one}.
    Tiene la palabra {title} {name}.
    Tiene la palabra {title} {name}.
    Tiene la palabra {title} {surname}.
    Tiene la palabra {title} {name} por {n10} minutos.
    Tiene el uso de la palabra {title} {name}.
    Le concedo la palabra a {title} {name}.
    Se le concede el uso de la palabra a {title} {surname}.
    Concejal {surname}, tiene la palabra.
    Concejala {surname}, tiene usted la palabra.
    Adelante, {name}.
    Gracias, {title_bare} {surname}.
    Muchas gracias, {title_bare} {name}.
    {title_up} {name} pide la palabra.
    {title_up} {name} no asiste a la sesión.
    {title_up} {name} presentó excusa por enfermedad.
    Se excusa {title} {name}.
    Está ausente {title} {name}.
    Le respondo a {title} {name} sobre {topic}.
    Comparto lo que dijo {title} {surname}.
    Como lo dijo {title} {name}, {clause}.
    Mi nombre es {name} y vivo en {place}.
    {title_up} {surname} propone revisar {topic}.
    Se designa como ponente a {title} {name}.
    Firma {name}, secretaria general.
    """
)

VOTES: Final = _lines(
    """
    Proposición número {n99}, presentada por {title} {name}.
    Proposición número {n999}, presentada por {title} {name}.
    Proposición número {n99}, del {title_bare} {surname}.
    Se presenta la proposición número {n99} sobre {topic}.
    Se somete a votación la proposición número {n99} de {title} {surname}.
    Se somete a votación la proposición número {n999}.
    Se somete a votación {topic}.
    Se somete a votación el proyecto de acuerdo número {n999}.
    Se somete a votación nominal el punto {n20}.
    {votes_for}, {against} en contra y {abstentions}, queda {outcome} la proposición.
    {votes_for}, {against} en contra y {abstentions}, queda {outcome} la proposición número {n99}.
    {votes_for}, {against} en contra y {abstentions}.
    Con {votes_for_low}, {against} en contra y {abstentions}, queda {outcome} la proposición número {n99}.
    Con {votes_for_low} y {against} en contra, queda {outcome} la proposición.
    Con {votes_for_low}, queda {outcome} la moción.
    Por {votes_for_low} y {against} en contra, es {outcome} la proposición número {n99}.
    {votes_for} y {against} en contra.
    Votos a favor, {n20}.
    Votos en contra, {n20}.
    Abstenciones, {n10}.
    ¿Votos a favor?
    ¿Votos en contra?
    ¿Abstenciones?
    Queda {outcome} la proposición número {n99}.
    Queda aprobada por unanimidad la proposición número {n999}.
    Queda aprobado por unanimidad.
    Ha sido {outcome} la proposición.
    El resultado de la votación es de {votes_for_low}.
    El resultado es el siguiente, {votes_for_low}.
    {greeted_one_up}, el resultado es de {votes_for_low} y {against} en contra.
    El resultado de la votación nominal es el siguiente.
    Solicítese a {institution} {object}.
    Solicítese a {institution} un informe sobre {topic}.
    Cítese {official} para que explique {topic}.
    Invítese {official} a la sesión del {weekday}.
    Créase una comisión para revisar {topic}.
    Sírvase leer la proposición número {n99}.
    Mi voto es positivo.
    Mi voto es negativo, {greeted_one}.
    Vota sí {title} {name}.
    Vota no {title} {name}.
    En la sesión de {month} votamos en contra de {topic}.
    El año pasado votamos a favor de {topic}.
    La proposición fue {outcome} en la sesión de {month}.
    Yo votaré a favor de {topic}.
    Mi bancada votará en contra del proyecto.
    """
)

DEBATE: Final = _lines(
    """
    Gracias, presidente, {clause}.
    Gracias, presidenta, y un saludo a todos.
    Muchas gracias, señora presidenta, {clause}.
    Señor presidente, {clause}.
    Señora presidenta, quiero hablar de {topic}.
    Honorables concejales, {clause}.
    {clause_up}.
    {clause_up}.
    {clause_up}.
    {clause_up}, y {clause}.
    {clause_up}, pero {clause}.
    {clause_up} porque {clause}.
    {topic_up} está en mal estado.
    {topic_up} de {place} está en muy mal estado.
    {topic_up} es un problema para todos.
    En {locality} {clause}.
    En {locality} las familias llevan {n20} meses sin {basic}.
    En {locality} los vecinos están sin {basic} desde {month}.
    Hoy {clause}.
    Hasta hoy solamente llegaron {n99} {things}.
    Hasta hoy {clause}.
    Pido que {institution} presente {object} {complement}.
    Pido a {institution} {object}.
    Solicito que {institution} revise {topic}.
    Propongo revisar {topic} {complement}.
    Propongo {object} para {locality}.
    Propongo visitar {locality} el próximo {weekday}.
    Invito {official} a visitar {locality}.
    Invito a todos a apoyar {topic}.
    Quiero felicitar a los {people} de {locality}.
    Quiero felicitar a {title} {surname} por su trabajo.
    Quiero saludar a los {people} que nos acompañan.
    Quiero dejar una constancia sobre {topic}.
    Quiero preguntar por {topic}.
    No podemos aprobar {topic} sin {object}.
    No podemos seguir sin {basic}.
    No estoy de acuerdo con {topic}.
    No se puede hablar de {topic} sin recursos.
    Debemos trabajar por {topic}.
    Tenemos que mejorar {topic} {complement}.
    Necesitamos {object} {complement}.
    Cuando se abrió el debate en {month}, {clause}.
    Cuando {title} {surname} habló, {clause}.
    Cuando empezó el año, {clause}.
    Comparto la posición de mis compañeros sobre {topic}.
    Comparto su preocupación por {topic}.
    El próximo {weekday} hay un debate sobre {topic}.
    El {weekday} habrá una reunión en {locality}.
    El presupuesto para {topic} es de {money} millones de pesos.
    {institution_up} invirtió {money} millones en {topic}.
    {institution_up} prometió {n99} {things} para {locality}.
    {institution_up} compró {n99} {things} en {month}.
    Faltan {n99} {things} en {locality}.
    Son {n99} {things} y {n99} {things}.
    Los {people} {complement} salen de {place_thing}.
    Los {people} tienen miedo de {action}.
    Los {people} se quejan de {topic}.
    La gente {complement} merece {object}.
    Esta proposición busca que {object} llegue en {n99} días.
    Esta proposición busca mejorar {topic}.
    La vida de los {people} también depende de {topic}.
    {topic_up} depende de {object}.
    ¿Qué pasó con {topic}?
    ¿Cuándo van a entregar {topic}?
    ¿Dónde están los recursos para {topic}?
    ¿Cuánto cuesta {topic}?
    Según el informe, {clause}.
    Señores concejales, {topic} no puede esperar.
    Yo creo que {clause}.
    Creo que {topic} es lo más importante.
    Ese contrato terminó en {month}.
    La obra va en el {n99} por ciento.
    El {n99} por ciento de los {people} no tiene {basic}.
    """
)
