"""Sentence templates of a council sitting: ``{slots}`` and ``[one|of these]`` are filled by the corpus generator."""

from __future__ import annotations

from typing import Final


def _lines(block: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in block.strip().splitlines())


PROCEDURE: Final = _lines(
    """
    [Buenos días|Buenas tardes|Muy buenos días], {greeted}.
    Siendo {time}, se abre la sesión {kind}.
    Siendo {time}, se abre la sesión {kind} de hoy.
    Siendo {time}, se abre la sesión {kind} de hoy.
    Siendo {time}, damos inicio a la sesión {kind}.
    Siendo {time}, se levanta la sesión.
    Siendo {time}, se levanta la sesión {kind}.
    Agotado el orden del día, siendo {time}, se levanta la sesión.
    Agotado el orden del día, siendo {time}, se levanta la sesión.
    Agotado el orden del día, se levanta la sesión {kind}.
    No habiendo más asuntos, siendo {time}, se levanta la sesión.
    [Señora secretaria|Señor secretario], sírvase [llamar a lista|verificar el quórum|leer el acta|leer el informe].
    [Señora secretaria|Señor secretario], sírvase leer [la proposición|la carta|el proyecto|el orden del día de hoy].
    Sírvase leer [el acta|el informe|el proyecto|el orden del día de hoy|la proposición|el siguiente punto].
    Sírvase [llamar a lista|verificar el quórum], [señora secretaria|señor secretario].
    [Con gusto|Con mucho gusto], [señora presidenta|presidente|señor secretario|señor presidente].
    Hay {n20} concejales presentes, hay quórum para [deliberar|decidir|deliberar y decidir].
    Hay {n20} concejales presentes, hay quórum para deliberar y decidir.
    Contamos con {n20} concejales, hay quórum para [deliberar|decidir|deliberar y decidir].
    El orden del día [de hoy|de la sesión|para hoy] es el siguiente.
    El orden del día es [como sigue|este|el mismo].
    {ordinal}, {agenda}.
    {ordinal}, {agenda}.
    {ordinal}, debate sobre {topic}.
    {ordinal}, debate sobre {topic}.
    Pasamos al {ordinal_low} punto, {agenda}.
    Pasamos al {ordinal_low} punto, {agenda}.
    Pasamos al siguiente punto, {agenda}.
    Se cierra el debate y pasamos al {ordinal_low} punto, {agenda}.
    Se cierra el debate y pasamos al {ordinal_low} punto, debate sobre {topic}.
    Se abre el debate sobre {topic}.
    Se decreta un receso de {n20} minutos.
    Se reanuda la sesión siendo {time}.
    Se aprueba el acta de la sesión [anterior|pasada].
    ¿Alguna otra [proposición|pregunta|observación|intervención sobre el tema]?
    ¿Alguna [intervención|pregunta|proposición|observación]?
    No hay más [proposiciones|intervenciones|preguntas], [señora presidenta|presidente|señor secretario].
    No hay más [proposiciones|preguntas|asuntos], señor presidente.
    Muchas gracias a [todas|la comunidad|los vecinos|los concejales|todos los concejales].
    Queda aprobado el orden del día.
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
    Concejal {name}. Excusado.
    Concejala {name}. Excusada.
    Tiene la palabra el concejal {name}.
    Tiene la palabra la concejala {name}.
    Tiene la palabra el concejal {name}.
    Tiene la palabra la concejala {name}.
    Tiene la palabra {title} {name}.
    Tiene la palabra {title} {surname}.
    Gracias, {title_bare} {surname}.
    Comparto lo que dijo {title} {name}.
    """
)

VOTES: Final = _lines(
    """
    Proposición número {n40}, presentada por {title} {name}.
    Proposición número {n40}, presentada por la concejala {name}.
    Proposición número {n40}, presentada por el concejal {name}.
    Se presenta la proposición número {n40} sobre {topic}.
    Se somete a votación la proposición número {n40}.
    Se somete a votación la proposición número {n40}.
    Se somete a votación [el acta|el proyecto|el orden del día|el informe].
    {votes_for}, {against} en contra y {abstentions}, queda {outcome} la proposición.
    {votes_for}, {against} en contra y {abstentions}, queda {outcome} la proposición número {n40}.
    {votes_for}, {against} en contra y {abstentions}, queda {outcome} la proposición número {n40}.
    Con {votes_for_low}, {against} en contra y {abstentions}, queda {outcome} la proposición número {n40}.
    Con {votes_for_low} y {against} en contra, queda {outcome} la proposición.
    {votes_for}, {against} en contra y {abstentions}.
    Queda {outcome} la proposición número {n40}.
    {greeted_one_up}, el resultado [de la votación|del debate] es [este|el mismo|como sigue].
    {greeted_one_up}, el resultado es el siguiente.
    El resultado de la votación [nominal|de hoy] es el siguiente.
    """
)

SPEECHES: Final = _lines(
    """
    [Muchas gracias|Gracias], [señora presidenta|señor secretario|señora secretaria|presidenta].
    Gracias, señor presidente, y [buenos días|buenas tardes|un saludo] a todos.
    [Señor presidente|Señora presidenta|Señora secretaria], muchas gracias.
    Muchas gracias por [la palabra|su trabajo|su respuesta].
    Gracias, [presidente|presidenta], y un saludo a [todos|los vecinos|los líderes|los concejales|la gente].
    Gracias, [señora presidenta|presidenta], y un saludo a la comunidad.
    {topic_up} [de la zona rural|de la zona urbana|de las veredas|de los barrios] está en [mal|muy mal|buen] estado.
    {topic_up} [de la zona rural|del centro|del municipio] está en mal estado.
    {topic_up} está en [mal|muy mal|buen] estado.
    En {locality} las familias llevan {n20} [meses|semanas|días] sin {basic}.
    En {locality} {people} llevan {n20} [meses|semanas|días] sin {basic}.
    {people_up} salen {from_place} de [noche|día] y tienen miedo de [caminar|salir|hablar|trabajar].
    {people_up} salen {from_place} y tienen miedo de [caminar|salir] de noche.
    Pido que {institution} presente {paper} antes de {month}.
    Pido que {institution} presente {paper} antes de {month}.
    En la sesión [pasada|anterior|de mayo|de ayer] votamos [a favor|en contra] {of_paper} para {topic}.
    En la sesión [pasada|anterior|de junio|de ayer] votamos [a favor|en contra] {of_paper}.
    Hoy {topic} necesita {need} y {topic} necesita {need}.
    Hoy {topic} necesita {need} y {topic} necesita {need}.
    No podemos aprobar [una obra|un contrato|el plan] sin [conocer|revisar|leer] su [costo|contrato|plan].
    No podemos [votar|revisar|presentar] [una obra|un contrato|un plan] sin conocer su [costo|informe|plan].
    Propongo [revisar|visitar|mejorar] {topic} con {institution}.
    Propongo revisar [el contrato|el plan|el informe] con [la empresa de acueducto|la comunidad|los vecinos].
    {greeted_one_up}, comparto la [preocupación|posición|propuesta] de [la comunidad|los vecinos|los jóvenes].
    {greeted_one_up}, comparto la [posición|propuesta] de mis compañeros.
    Comparto la preocupación de [mis compañeros|las familias|la gente].
    Cuando se [abrió|levantó|cerró] la sesión de {month}, {institution} prometió {n40} {things} nuevas.
    Cuando se [abrió|levantó|cerró] la sesión de {month}, {institution} prometió {n40} {things}.
    Hasta [hoy|ayer|mayo|junio] solamente llegaron {n40} {things} [al barrio|a la vereda|al colegio|al hospital].
    Hasta [hoy|ayer|la semana pasada] solamente llegaron {n40} {things} [al barrio|a la vereda|al municipio].
    La [seguridad|salud|educación|vida] de {people} también depende de {good}.
    La [seguridad|salud|educación|vida] de {people} depende de {good}.
    {people_up} [del transporte público|de la vereda|del barrio] se quejan [del estado|del costo] de {topic}.
    {people_up} del transporte público se quejan [del costo|de la falta] de {topic}.
    {people_up} se quejan [del estado|del costo] de [las vías|las obras|las veredas|los puentes].
    Invito {official} a visitar {visited}.
    Invito {official} a visitar {visited}.
    Invito a [los concejales|la comunidad|mis compañeros] a visitar {visited}.
    Solicítese a {institution} {paper} sobre {topic} [de las veredas|de los barrios|del municipio|de la zona rural].
    Solicítese a {institution} {paper} sobre {topic}.
    Esta proposición busca que [el informe|el plan|el contrato|la respuesta] llegue en {n40} [días|meses|semanas].
    Esta proposición busca [mejorar|revisar] {topic}.
    La gente [del campo|del barrio|de la vereda|del municipio] merece {good}.
    La gente [del campo|del barrio|de la vereda|del municipio] merece {good}.
    Quiero felicitar a {people} [del colegio|de la vereda|del barrio] por [las fiestas|el día|la semana] de {topic}.
    Quiero felicitar a {people} por [las fiestas|el día|la semana] de {topic}.
    El próximo {weekday} hay una [reunión|visita|fiesta] con {people} de {locality}.
    El próximo {weekday} hay una [reunión|visita|fiesta] con {people} de {locality}.
    El próximo {weekday} hay [un debate|una reunión] sobre {topic}.
    [El presupuesto|El contrato|La obra] de este año es para {topic}.
    Nuestro municipio necesita {need} y {need}.
    La comunidad [pide|espera|merece] {good}.
    """
)
